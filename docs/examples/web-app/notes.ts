import { z } from 'zod'
import { Refusal } from './refusal.ts'
import type { ShotgridSession } from './shotgrid-session.ts'

export const noteSchema = z.strictObject({
  projectId: z.number().int().positive(),
  subject: z.string().trim().min(1).max(200),
  content: z.string().trim().min(1).max(10_000),
})

const link = z.object({ type: z.string(), id: z.number(), name: z.string() })
const mostProjects = 200

/** The projects this person sees, by name. */
export async function listProjects(session: ShotgridSession): Promise<{ id: number; name: string }[]> {
  const project = z.object({ id: z.number(), name: z.string() })
  const results = await session.call(
    'read',
    {
      type: 'Project',
      return_fields: ['id', 'name'],
      filters: { logical_operator: 'and', conditions: [] },
      sorts: [{ field_name: 'name', direction: 'asc' }],
      paging: { entities_per_page: mostProjects, current_page: 1 },
    },
    z.object({ entities: z.array(project) }),
  )
  return results.entities.map(({ id, name }) => ({ id, name }))
}

/** Writes a Note as the person, and reads back what ShotGrid says of it: whose it is, above all. */
export async function createNote(
  session: ShotgridSession,
  { projectId, subject, content }: z.output<typeof noteSchema>,
) {
  const fields = { project: { type: 'Project', id: projectId }, subject, content }
  const { id } = await session.call(
    'create',
    { type: 'Note', fields: Object.entries(fields).map(([field_name, value]) => ({ field_name, value })) },
    z.object({ id: z.number() }),
  )
  const written = z.object({ subject: z.string(), project: link, created_by: link })
  const results = await session.call(
    'read',
    {
      type: 'Note',
      return_fields: ['subject', 'project', 'created_by'],
      filters: { logical_operator: 'and', conditions: [{ path: 'id', relation: 'is', values: [id] }] },
      paging: { entities_per_page: 1, current_page: 1 },
    },
    z.object({ entities: z.array(written) }),
  )
  const [note] = results.entities
  if (!note) throw new Refusal(502, 'shotgrid_unreachable', 'ShotGrid does not show the note it has just taken.')
  return { id, subject: note.subject, project: note.project.name, createdBy: note.created_by.name }
}
